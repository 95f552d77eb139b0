import { describe } from 'vitest';
import { streamContract } from './contract.ts';
import { canRunKafka, kafkaBed, streamBed } from './kafka-bed.ts';

describe.runIf(canRunKafka())('with one broker', () => {
  const bed = kafkaBed();
  streamContract('a stream in Kafka', (partitions) => streamBed(bed, partitions));
});
