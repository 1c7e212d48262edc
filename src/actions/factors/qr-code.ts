/** A picture of a text for phones, as an SVG that a page can show as it is. Its maker is loaded when the first is asked for. */

/** A data URL. */
export async function qrCode(text: string): Promise<string> {
  const { toString } = await import('qrcode');
  const svg = await toString(text, { type: 'svg', errorCorrectionLevel: 'M' });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}
