/** Says something to screen readers, once and politely, through the live region that index.html brings. */
export function announce(text: string): void {
  const region = document.querySelector('#live');
  if (region === null) return;
  // Emptied first, because the same words twice would otherwise be no change and stay unsaid.
  region.textContent = '';
  setTimeout(() => {
    region.textContent = text;
  }, 50);
}
