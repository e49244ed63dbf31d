/**
 * Waits for answers of a server as long as it gives any: what hears nothing for `silenceMs`, neither its own answer nor another's,
 * is rejected. So a burst that keeps the server busy is not taken for its absence.
 */
export function answerWatch(silenceMs: number): <T>(answer: Promise<T>) => Promise<T> {
  let answeredAt = 0;
  return async (answer) => {
    let sentAt = 0;
    let timer: NodeJS.Timeout | undefined;
    let settled = false;
    const silence = new Promise<never>((_resolve, reject) => {
      const look = () => {
        if (settled) return;
        const silentMs = performance.now() - Math.max(sentAt, answeredAt);
        if (silentMs >= silenceMs) reject(new Error(`no answer for ${silenceMs} ms`));
        else wait(silenceMs - silentMs);
      };
      // What has arrived is read before we look: a process that was busy has heard nothing either.
      const wait = (milliseconds: number) => {
        timer = setTimeout(() => setImmediate(look), milliseconds);
      };
      // Commands leave when the current turn of the event loop ends: until then a busy process is what delays them.
      setImmediate(() => {
        if (settled) return;
        sentAt = performance.now();
        wait(silenceMs);
      });
    });
    try {
      const value = await Promise.race([answer, silence]);
      answeredAt = performance.now();
      return value;
    } finally {
      settled = true;
      clearTimeout(timer);
    }
  };
}
