/** Languages of samples, by the name of their code blocks in Markdown. The first one is shown where none is chosen. */
export const SAMPLE_LANGUAGES = { sh: 'curl', ts: 'TypeScript', python: 'Python' } as const;

export type SampleLanguage = keyof typeof SAMPLE_LANGUAGES;
