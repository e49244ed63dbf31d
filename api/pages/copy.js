// Shows the copy buttons and gives them their work. Without it, the texts are selected and copied by hand.
for (const button of document.querySelectorAll('button[data-copies]')) {
  const source = document.getElementById(button.dataset.copies);
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener('click', async () => {
    let done = 'Copied';
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // Not allowed here (no HTTPS, or refused): leave it selected, one keystroke away.
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
