/** A place in a value that JSON would change, and what is wrong there. */
export interface JsonObstacle {
  /** Where: `the result.items[3].createdAt`. */
  readonly path: string;
  /** A predicate: "is a Date". */
  readonly reason: string;
}

/** Deeper than any plain data; a cycle gets here fast. */
const MAX_DEPTH = 200;

/**
 * The first place in `value` that would not come back from JSON as it was, or `undefined` if there is none.
 *
 * Instances of classes without methods and accessors count as plain objects; properties that are `undefined` as absent.
 */
export function firstJsonObstacle(value: unknown, path: string, depth = 0): JsonObstacle | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : { path, reason: 'is a string with a lone surrogate' };
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : { path, reason: `is ${value}, which JSON does not have` };
    case 'object':
      if (value === null) return undefined;
      if (depth > MAX_DEPTH)
        return { path: shorten(path), reason: `is nested more than ${MAX_DEPTH} deep, or in a cycle` };
      return Array.isArray(value) ? arrayObstacle(value, path, depth) : objectObstacle(value, path, depth);
    default:
      return {
        path,
        reason: `is ${value === undefined ? 'undefined' : `a ${typeof value}`}, which JSON does not have`,
      };
  }
}

function arrayObstacle(array: readonly unknown[], path: string, depth: number): JsonObstacle | undefined {
  if (isOfRicherClass(array)) {
    return {
      path,
      reason: `is a ${nameOfClass(array)}, an array class with methods or accessors, which would be lost`,
    };
  }
  // More names than items: a match of a RegExp, rows with a count. Holes are undefined, and found below.
  if (Object.keys(array).length > array.length) {
    return { path, reason: 'is an array with named properties, which JSON drops' };
  }
  for (let index = 0; index < array.length; index++) {
    const obstacle = firstJsonObstacle(array[index], `${path}[${index}]`, depth + 1);
    if (obstacle !== undefined) return obstacle;
  }
  return undefined;
}

function objectObstacle(object: object, path: string, depth: number): JsonObstacle | undefined {
  const kind = kindOfInstance(object);
  if (kind !== undefined) return { path, reason: kind };
  const symbol = Object.getOwnPropertySymbols(object).find((own) =>
    Object.prototype.propertyIsEnumerable.call(object, own),
  );
  if (symbol !== undefined)
    return { path, reason: `has a property called by a symbol (${String(symbol)}), which JSON drops` };
  for (const name of Object.keys(object)) {
    const value: unknown = (object as Record<string, unknown>)[name];
    if (value === undefined) continue;
    const obstacle = firstJsonObstacle(value, `${path}.${name}`, depth + 1);
    if (obstacle !== undefined) return obstacle;
  }
  return undefined;
}

/** Says what `object` is if it is more than data; `undefined` for plain objects and instances of data-only classes. */
function kindOfInstance(object: object): string | undefined {
  if (typeof (object as { toJSON?: unknown }).toJSON === 'function' || ArrayBuffer.isView(object)) {
    return `is a ${nameOfClass(object)}`;
  }
  // Built-ins keep their content in internal slots, which no property shows.
  const tag = Object.prototype.toString.call(object);
  if (tag !== '[object Object]') return `is a ${nameOfClass(object)}`;
  for (let level = parentOf(object); level !== null; level = parentOf(level)) {
    if (parentOf(level) === null && Object.hasOwn(level, 'hasOwnProperty')) return undefined; // Object.prototype, of whichever realm (Jest has its own)
    if (hasMembers(level)) {
      return `is an instance of ${nameOfClass(object)}, a class with methods or accessors, which would be lost`;
    }
  }
  return undefined;
}

function isOfRicherClass(array: readonly unknown[]): boolean {
  for (let level = parentOf(array); level !== null; level = parentOf(level)) {
    const above = parentOf(level);
    if (above === null || parentOf(above) === null) return false; // Array.prototype
    if (hasMembers(level)) return true;
  }
  return false;
}

function hasMembers(prototype: object): boolean {
  return Object.getOwnPropertyNames(prototype).some((name) => name !== 'constructor');
}

function parentOf(object: object): object | null {
  return Object.getPrototypeOf(object) as object | null;
}

function nameOfClass(object: object): string {
  const name: unknown = (object as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'class instance';
}

function shorten(path: string): string {
  return path.length <= 80 ? path : `${path.slice(0, 77)}...`;
}
