import type { Temperature } from '../../model/event.ts';
import type { Sample } from '../parser.ts';

const CORE = 'coretemp-isa-0000';

function temperature(chip: string, sensor: string, celsius: number): Temperature {
  return { kind: 'temperature', chip, sensor, celsius, highCelsius: null, critCelsius: null, alarm: false };
}

const package0: Temperature = { ...temperature(CORE, 'Package id 0', 97), highCelsius: 84, critCelsius: 100, alarm: true };
const core0: Temperature = { ...temperature(CORE, 'Core 0', 45), highCelsius: 84, critCelsius: 100 };
const composite: Temperature = { ...temperature('nvme-pci-0100', 'Composite', 38.9), highCelsius: 81.8, critCelsius: 84.8 };

/** `sensors`, in the locales and units it has. */
export const textSamples: readonly Sample[] = [
  {
    record: `coretemp-isa-0000
Adapter: ISA adapter
Package id 0:  +97.0°C  (high = +84.0°C, crit = +100.0°C)  ALARM (CRIT)
Core 0:        +45.0°C  (high = +84.0°C, crit = +100.0°C)
`,
    at: null,
    events: [package0, core0],
  },
  {
    record: `2026-11-23T04:40:00Z
nvme-pci-0100
Adapter: PCI adapter
Composite:    +38.9°C  (low  =  -5.2°C, high = +81.8°C)
                       (crit = +84.8°C)
Sensor 1:     +38.9°C  (low  = -273.1°C, high = +65261.8°C)
`,
    at: '2026-11-23T04:40:00.000Z',
    events: [composite, temperature('nvme-pci-0100', 'Sensor 1', 38.9)],
  },
  {
    record: `nct6775-isa-0290
Adapter: ISA adapter
fan2:           0 RPM  (min =  600 RPM)  ALARM
SYSTIN:       +93.2°F  (high = +86.0°F, hyst = +77.0°F)  ALARM  sensor = thermistor
AUXTIN0:      -79.6°F  (high = +176.0°F, hyst = +167.0°F)  sensor = thermistor
AUXTIN1:        FAULT  
`,
    at: null,
    events: [{ ...temperature('nct6775-isa-0290', 'SYSTIN', 34), highCelsius: 30, alarm: true }],
  },
  {
    record: `acpitz-virtual-0
Adapter: Virtual device
temp1:        +27.8 C  (crit = +119.0 C)
`,
    at: null,
    events: [{ ...temperature('acpitz-virtual-0', 'temp1', 27.8), critCelsius: 119 }],
  },
];

/** `sensors -u`. */
export const rawSamples: readonly Sample[] = [
  {
    record: `coretemp-isa-0000
Adapter: ISA adapter
Package id 0:
  temp1_input: 97.000
  temp1_max: 84.000
  temp1_crit: 100.000
  temp1_crit_alarm: 1.000
Core 0:
  temp2_input: 45.000
  temp2_max: 84.000
  temp2_crit: 100.000
  temp2_crit_alarm: 0.000
`,
    at: null,
    events: [package0, core0],
  },
];

/** `sensors -j` of 3.6.0, `sensors -J` of 3.6.2. */
export const jsonSamples: readonly Sample[] = [
  {
    record: `{
   "nvme-pci-0100":{
      "Adapter": "PCI adapter",
      "Composite":{
         "temp1_input": 38.850,
         "temp1_max": 81.850,
         "temp1_min": -5.150,
         "temp1_crit": 84.850,
         "temp1_alarm": 0.000
      },
      "Sensor 1":{
         "temp2_input": 38.850,
         "temp2_max": 65261.850,
         "temp2_min": -273.150
      }
   }
}
`,
    at: null,
    events: [composite, temperature('nvme-pci-0100', 'Sensor 1', 38.9)],
  },
  {
    record: `{"coretemp-isa-0000":{"Adapter":"ISA adapter","temp1":{"label":"Package id 0","input":{"quantity":"temperature","unit":"°C","value":97},"max":{"quantity":"temperature","unit":"°C","value":84},"crit":{"quantity":"temperature","unit":"°C","value":100},"crit_alarm":{"quantity":"boolean","value":1}}}}`,
    at: null,
    events: [package0],
  },
];

const CORE_0 =
  '"coretemp-isa-0000":{"Adapter":"ISA adapter","Core 0":{"temp2_input":45.000000,"temp2_max":84.000000,"temp2_crit":100.000000,"temp2_crit_alarm":0.000000}}';

/** Lines of Precopy's own collector. */
export const collectedSamples: readonly Sample[] = [
  { record: `{"at":"2026-11-23T04:40:00.000Z","sensors":{${CORE_0}}}`, at: '2026-11-23T04:40:00.000Z', events: [core0] },
  {
    record: `{"at":"2026-11-23T04:40:00.000Z","sensors":"acpitz-virtual-0\\nAdapter: Virtual device\\ntemp1:        +27.8 C  (crit = +119.0 C)\\n\\n"}`,
    at: '2026-11-23T04:40:00.000Z',
    events: [{ ...temperature('acpitz-virtual-0', 'temp1', 27.8), critCelsius: 119 }],
  },
];
