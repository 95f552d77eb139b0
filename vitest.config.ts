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
  },
});
