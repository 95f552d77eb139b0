import { z } from 'zod';

/** Where a value stands in a configuration. */
export type Path = readonly (string | number)[];

/** The keys of the objects that a schema takes, with their schemas; empty where it takes none. */
export function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  const bare = unwrapped(schema);
  if (bare instanceof z.ZodObject) return bare.shape;
  return bare instanceof z.ZodUnion ? Object.assign({}, ...optionsOf(bare).map(shapeOf)) : {};
}

/** Of a union whose members are told apart by a key, the member that a value is; any other schema as it is. */
export function variantOf(schema: z.ZodType, value: object): z.ZodType {
  const bare = unwrapped(schema);
  if (!(bare instanceof z.ZodDiscriminatedUnion)) return schema;
  const key = bare.def.discriminator;
  const found = optionsOf(bare).find((option) => shapeOf(option)[key]?.safeParse(Reflect.get(value, key)).success === true);
  return found ?? schema;
}

/** The schema of the elements of a list; `null` where the schema takes no list. */
export function elementOf(schema: z.ZodType): z.ZodType | null {
  const bare = unwrapped(schema);
  if (bare instanceof z.ZodArray) return asType(bare.element);
  if (!(bare instanceof z.ZodUnion)) return null;
  return (
    optionsOf(bare)
      .map(elementOf)
      .find((element) => element !== null) ?? null
  );
}

/** The schema of what stands at a path; `null` where the schema knows nothing there. */
export function schemaAt(schema: z.ZodType, path: Path): z.ZodType | null {
  const [step, ...rest] = path;
  if (step === undefined) return schema;
  const next = typeof step === 'number' ? elementOf(schema) : (shapeOf(schema)[step] ?? null);
  return next === null ? null : schemaAt(next, rest);
}

/** A schema and all that it wraps, the outermost first: where one of them says something (a meaning, a secret), it is said. */
export function layersOf(schema: z.ZodType): readonly z.ZodType[] {
  const inner = innerOf(schema);
  return inner === null ? [schema] : [schema, ...layersOf(inner)];
}

/** What a key means; empty where the schema does not say. */
export function meaningOf(schema: z.ZodType): string {
  return layersOf(schema).find(({ description }) => description !== undefined)?.description ?? '';
}

/** The schema without `nullable`, `optional` and defaults. */
function unwrapped(schema: z.ZodType): z.ZodType {
  return layersOf(schema).at(-1) ?? schema;
}

function innerOf(schema: z.ZodType): z.ZodType | null {
  const wraps =
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault;
  return wraps ? asType(schema.unwrap()) : null;
}

function optionsOf(union: z.ZodUnion): readonly z.ZodType[] {
  return union.options.map(asType);
}

/** zod types the parts of a schema by its core; here all are made by `z`. */
function asType(part: z.core.$ZodType): z.ZodType {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return part as z.ZodType;
}
