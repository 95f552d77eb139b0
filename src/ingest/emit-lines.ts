/**
 * Takes whole lines that a collector made, each with its line break, and when they were made (Unix ms). Resolves when the stream
 * has them; a collector calls it again only then.
 */
export type EmitLines = (lines: string, at: number) => Promise<void>;
