import { z } from 'zod';

/** A text, or any JSON whose texts have `{{path.to.field}}` in them. */
export type Template = string | number | boolean | null | readonly Template[] | { readonly [key: string]: Template };

/** What a template may be. */
export const template: z.ZodType<Template> = z.json();

const FIELD = /\{\{\s*([\w-]+(?:\.[\w-]+)*)\s*\}\}/g;
const ONE_FIELD = /^\{\{\s*([\w-]+(?:\.[\w-]+)*)\s*\}\}$/;

/**
 * Puts values in the place of `{{path.to.field}}`. A text that is one field becomes its value, of whatever type; within a longer
 * text the value is written. As it is done before JSON is made, no value can break out of its quotes. What is not there is `null`,
 * and nothing within a text.
 */
export function filled(pattern: Template, values: unknown): Template {
  if (typeof pattern === 'string') {
    const whole = ONE_FIELD.exec(pattern)?.[1];
    if (whole !== undefined) return (valueAt(values, whole) ?? null) as Template;
    return pattern.replace(FIELD, (_written, path: string) => textOf(valueAt(values, path)));
  }
  if (Array.isArray(pattern)) return pattern.map((each: Template) => filled(each, values));
  if (typeof pattern !== 'object' || pattern === null) return pattern;
  return Object.fromEntries(Object.entries(pattern).map(([key, each]) => [key, filled(each, values)]));
}

/** Fields of a template that a schema does not know. */
export function unknownFields(pattern: Template, schema: z.ZodType): readonly string[] {
  if (typeof pattern === 'string') {
    return [...pattern.matchAll(FIELD)].flatMap(([, path = '']) => (knows(schema, path.split('.')) ? [] : [path]));
  }
  if (typeof pattern !== 'object' || pattern === null) return [];
  return Object.values(pattern).flatMap((each: Template) => unknownFields(each, schema));
}

function knows(schema: z.ZodType, [step, ...rest]: readonly string[]): boolean {
  if (step === undefined) return true;
  if (schema instanceof z.ZodNullable) return knows(schema.unwrap() as z.ZodType, [step, ...rest]);
  if (schema instanceof z.ZodArray) return /^\d+$/.test(step) && knows(schema.element as z.ZodType, rest);
  if (!(schema instanceof z.ZodObject) || !Object.hasOwn(schema.shape, step)) return false;
  return knows(schema.shape[step] as z.ZodType, rest);
}

function valueAt(values: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return null;
    return (value as Readonly<Record<string, unknown>>)[step];
  }, values);
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
