/** The name of the vectors. Raise the generation whenever the same text would give another vector, or other passages. */
export const LOCAL_MODEL = 'local:all-MiniLM-L6-v2-int8@1';
export const LOCAL_DIMENSIONS = 384;
