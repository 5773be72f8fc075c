/** Who may do what, in three steps: each role may do all that the ones before it may. */

/** `read` looks, `write` adds images and labels, `admin` erases and decides what serves. */
export const accessRoles = ['read', 'write', 'admin'] as const;
export type AccessRole = (typeof accessRoles)[number];

export function allows(held: AccessRole, needed: AccessRole): boolean {
  return accessRoles.indexOf(held) >= accessRoles.indexOf(needed);
}
