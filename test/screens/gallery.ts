/** Renders a page that shows the images of each screen side by side. */
export function galleryPage(screens: readonly string[], looks: readonly string[]): string {
  const image = (screen: string, look: string) =>
    `<a href="${screen}-${look}.png"><img src="${screen}-${look}.png" alt="${screen}, ${look}" loading="lazy"></a>`;
  const rows = screens.map(
    (screen) => `<h2>${screen}</h2><div>${looks.map((look) => image(screen, look)).join('')}</div>`,
  );
  return `<!doctype html><meta charset="utf-8"><title>Screens of the dashboard</title>
<style>body{font:16px system-ui;margin:2rem}div{display:flex;gap:1rem;align-items:start}img{max-height:60vh;border:1px solid #ccc}</style>
${rows.join('\n')}
`;
}
