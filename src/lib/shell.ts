/** Needs no quotes in any POSIX shell. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/**
 * Template tag for commands to paste: every value becomes one word of a POSIX shell, or part of one. Names of VMs and hosts come
 * from log text, and one that reads `x; reboot` must not do so. No value may stand between quotes of the template.
 */
export function shell(template: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return values.reduce<string>(
    (command, value, i) => `${command}${word(String(value))}${template[i + 1] ?? ''}`,
    template[0] ?? '',
  );
}

function word(value: string): string {
  return PLAIN.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`;
}
