/** Freezes plain data through and through, and returns it. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const name of Object.keys(value)) deepFreeze((value as Record<string, unknown>)[name]);
  }
  return value;
}
