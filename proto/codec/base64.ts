const PADDING = 61;

/** Standard alphabet with padding, as Go decodes it. By hand: secrets are large, and Buffer forgives too much. */
export function isBase64(text: string): boolean {
  if (text.length % 4 !== 0) return false;
  let end = text.length;
  if (end > 0 && text.charCodeAt(end - 1) === PADDING) end--;
  if (end > 0 && text.charCodeAt(end - 1) === PADDING) end--;
  for (let at = 0; at < end; at++) {
    if (!isLetter(text.charCodeAt(at))) return false;
  }
  return true;
}

function isLetter(code: number): boolean {
  if (code >= 97) return code <= 122;
  if (code >= 65) return code <= 90;
  return (code >= 47 && code <= 57) || code === 43;
}
