/** Version of the service, set by `vite.config.ts`. */
declare const __VERSION__: string;

/** Method and path of every operation of `api/contracts`, listed by the Vite plugin in `vite.config.ts`. */
declare module 'virtual:operations' {
  export const OPERATIONS: Record<string, readonly [method: string, path: string]>;
}
