// Shows the copy buttons and makes them work. Without scripts, texts are selected and copied by hand.
for (const button of document.querySelectorAll('button[data-copies]')) {
  const source = document.getElementById(button.dataset.copies);
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener('click', async () => {
    let done = 'Copied';
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // The clipboard is not available (no HTTPS, or not permitted): select the text instead.
      getSelection().selectAllChildren(source);
      done = 'Selected';
    }
    button.textContent = done;
    document.getElementById('copy-status').textContent = `${done}.`;
    setTimeout(() => {
      button.textContent = label;
    }, 2000);
  });
}
