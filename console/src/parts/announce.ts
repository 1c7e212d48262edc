/** Says something to screen readers, once and politely, through the live region that index.html brings. */
export function announce(text: string): void {
  // Emptied first, because the same words twice would otherwise be no change and stay unsaid.
  say('');
  setTimeout(() => say(text), 50);
}

/** An open dialog has a region of its own: what lies behind it is silent. */
function say(text: string): void {
  const region = document.querySelector('dialog[open] [role="status"]') ?? document.querySelector('#live');
  if (region !== null) region.textContent = text;
}
