/** Resolves when the work has ended, however it did: for who only waits, while somebody else hears of a failure. */
export async function quiet(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {});
}
