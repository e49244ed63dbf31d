/** Name of the local model's vectors. Raise the generation when new vectors can no longer be compared with stored ones. */
export const LOCAL_MODEL = 'local:all-MiniLM-L6-v2-int8@1';
export const LOCAL_DIMENSIONS = 384;
