import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    setupFiles: ['test/setup.ts'],
    globals: false,
    reporters: ['default'],
    restoreMocks: true,
    testTimeout: 10_000,
    // brokers, daemons and kills on a machine that others use too: what fails twice is broken
    retry: process.env['CI'] === undefined ? 0 : 1,
  },
});
