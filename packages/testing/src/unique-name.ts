let names = 0;
export function uniqueName(stem: string): string {
  names += 1;
  return `${stem}-${process.pid}-${Date.now().toString(36)}-${names}`;
}
