/**
 * Creates a timeout for requests over one connection. A request is rejected when for `silenceMs` no response to any request has
 * arrived, so a burst that keeps the server busy does not look like a lost connection.
 */
export function inactivityTimeout(silenceMs: number): <T>(response: Promise<T>) => Promise<T> {
  let receivedAt = 0;
  return async (response) => {
    let sentAt = 0;
    let timer: NodeJS.Timeout | undefined;
    let settled = false;
    const silence = new Promise<never>((_resolve, reject) => {
      const check = () => {
        if (settled) return;
        const silentMs = performance.now() - Math.max(sentAt, receivedAt);
        if (silentMs >= silenceMs) reject(new Error(`no response for ${silenceMs} ms`));
        else wait(silenceMs - silentMs);
      };
      // Responses that arrived while the process was busy are read before the check.
      const wait = (milliseconds: number) => {
        timer = setTimeout(() => setImmediate(check), milliseconds);
      };
      // Commands are sent when the current turn of the event loop ends: until then a busy process delays them.
      setImmediate(() => {
        if (settled) return;
        sentAt = performance.now();
        wait(silenceMs);
      });
    });
    try {
      const value = await Promise.race([response, silence]);
      receivedAt = performance.now();
      return value;
    } finally {
      settled = true;
      clearTimeout(timer);
    }
  };
}
