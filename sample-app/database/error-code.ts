/** Whether a system call failed in that way: `ENOENT` and the like. */
export function hasErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
