import type { Temperature } from '../../model/event.ts';

/** One line of a chip: its label and what the chip says, by libsensors' names (`temp1_input`, `temp1_crit_alarm`). */
export interface Feature {
  readonly chip: string;
  readonly label: string;
  /** `null` where the print-out does not say. */
  readonly unit: 'C' | 'F' | null;
  readonly values: ReadonlyMap<string, number>;
}

/** The temperatures of a print-out, in its order; what is no measurement is left out. */
export function temperaturesOf(features: readonly Feature[]): readonly Temperature[] {
  const converted = features.some(isConverted);
  return features.flatMap((feature) => temperatureOf(feature, converted) ?? []);
}

/** lm-sensors 3.6.0 with `-u -f` or `-j -f` converts every number, so that even alarms read 32 or 33.8. Fixed in 3.6.1. */
function isConverted({ values }: Feature): boolean {
  return [...values].some(([name, value]) => /_(?:alarm|fault)$/.test(name) && (value === 32 || value === 33.8));
}

function temperatureOf(feature: Feature, converted: boolean): Temperature | null {
  const { chip, label, values } = feature;
  const input = [...values.keys()].find((name) => /^temp\d*_input$/.test(name));
  if (input === undefined) return null;
  const fahrenheit = feature.unit === 'F' || converted;
  const reading: Reading = {
    celsius(part) {
      const value = values.get(input.replace('input', part));
      return value !== undefined && fahrenheit ? toCelsius(value) : value;
    },
    raised(part) {
      const value = values.get(input.replace('input', part)) ?? 0;
      return converted ? value === 33.8 : value > 0;
    },
  };
  const measured = reading.celsius('input');
  if (measured === undefined || reading.raised('fault') || isNoProbe(chip, measured)) return null;
  return {
    kind: 'temperature',
    chip,
    sensor: label,
    celsius: tenths(measured),
    highCelsius: limitOf(reading.celsius('max')),
    critCelsius: limitOf(reading.celsius('crit')),
    alarm: isAlarm(reading),
  };
}

/** To the three decimals that `sensors` prints. */
function toCelsius(fahrenheit: number): number {
  return Number(((fahrenheit - 32) / 1.8).toFixed(3));
}

/** The parts of one temperature, by what follows `tempN_`. */
interface Reading {
  celsius(part: string): number | undefined;
  raised(part: string): boolean;
}

/** An alarm for heat, of a limit that is one. Alarms for cold (`min`, `lcrit`) are of no interest, and set on many idle chips. */
function isAlarm({ celsius, raised }: Reading): boolean {
  const isSet = (part: string): boolean => limitOf(celsius(part)) !== null;
  const own = ['max', 'crit', 'emergency'].filter(isSet);
  return own.some((part) => raised(`${part}_alarm`)) || (own.length > 0 && raised('alarm'));
}

/** Below what a running computer can have, and above what its sensors can say: 127, 127.5, 128, 255, 65261.85 mean "none". */
function isNothing(celsius: number): boolean {
  return celsius <= -40 || celsius >= 127;
}

/** A limit that could not be read is printed as 0, and a Super-IO chip that nobody set up has 0 too. */
function limitOf(celsius: number | undefined): number | null {
  if (celsius === undefined || isNothing(celsius)) return null;
  return tenths(celsius) || null;
}

/** Inputs without a probe read -62, -128, 127.5 or, on Super-IO chips, exactly 0. */
function isNoProbe(chip: string, celsius: number): boolean {
  const superIo = chip.includes('-isa-') && !/^(?:coretemp|via_cputemp)-/.test(chip);
  return isNothing(celsius) || (superIo && tenths(celsius) === 0);
}

/** One decimal as C's printf rounds: 29.25, a tie, becomes 29.2, so that every output format gives the same number. */
function tenths(celsius: number): number {
  const tie = Math.abs(celsius % 1) === 0.25;
  return Number((tie ? celsius - Math.sign(celsius) / 100 : celsius).toFixed(1));
}
