import { useQuery } from '@tanstack/react-query';
import { Loading } from './feedback.tsx';

/** Longer texts are shown as they are: to render them would stop the browser for seconds. */
const RENDERED_MAX = 300_000;

/** Renders stored Markdown. Scripts, styles, forms and remote images never reach the page; links open a new tab. */
export function Markdown({ text }: { text: string }) {
  const isLong = text.length > RENDERED_MAX;
  const html = useQuery({
    queryKey: ['markdown', text],
    queryFn: async () => (await import('./render-markdown.ts')).renderMarkdown(text),
    enabled: !isLong,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
  if (isLong || html.isError) return <pre className="plain-text">{text}</pre>;
  if (html.data === undefined) return <Loading label="Rendering" />;
  // biome-ignore lint/security/noDangerouslySetInnerHtml: sanitized by DOMPurify in render-markdown.ts
  return <div className="markdown" dangerouslySetInnerHTML={{ __html: html.data }} />;
}
