/** Access roles; each includes the permissions of the roles before it. */

/** `read` reads, `write` adds images and labels, `admin` erases data and selects serving heads. */
export const accessRoles = ['read', 'write', 'admin'] as const;
export type AccessRole = (typeof accessRoles)[number];

export function allows(held: AccessRole, needed: AccessRole): boolean {
  return accessRoles.indexOf(held) >= accessRoles.indexOf(needed);
}
