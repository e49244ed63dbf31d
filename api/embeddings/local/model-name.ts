/** Name of the local model's vectors. Raise the generation when the same text would get other vectors or passages. */
export const LOCAL_MODEL = 'local:all-MiniLM-L6-v2-int8@1';
export const LOCAL_DIMENSIONS = 384;
