import { useEffect, useState } from 'react';

/** Milliseconds without a change after which a typed value is used. */
const SETTLED_MS = 400;

/** Returns a value as it was when it last stayed the same for a moment, for a read that need not follow each key press. */
export function useSettled<Value>(value: Value): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
