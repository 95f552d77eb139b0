/** A text as a literal of ClickHouse's SQL. */
export function sqlText(text: string): string {
  return `'${text.replace(/[\\']/g, String.raw`\$&`)}'`;
}
