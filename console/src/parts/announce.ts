/** Says something to screen readers, once and politely, through the live region that index.html brings. */
export function announce(text: string): void {
  // Emptied first, because the same words twice would otherwise be no change and stay unsaid.
  say('');
  setTimeout(() => say(text), 50);
}

/** An open dialog has a region of its own: what lies behind it is silent. The last one lies on top. */
function say(text: string): void {
  const regions = document.querySelectorAll('dialog[open] [role="status"]');
  const region = regions[regions.length - 1] ?? document.querySelector('#live');
  if (region !== null) region.textContent = text;
}
