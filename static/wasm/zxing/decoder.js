// Reads codes in pictures, in a worker of its own: WebAssembly is allowed here and on no page.
import { prepareZXingModule, readBarcodes } from './reader/index.js';

prepareZXingModule({ overrides: { locateFile: (path) => new URL(path, import.meta.url).href } });

const FORMATS = ['Code128', 'Code39', 'QRCode', 'DataMatrix', 'EAN-13', 'PDF417', 'Aztec'];

self.addEventListener('message', async ({ data: { number, picture, hard } }) => {
  let text;
  try {
    // A small label at an angle takes the slow way; most do not need it.
    const found = await readBarcodes(picture, { formats: FORMATS, tryHarder: hard, tryRotate: hard, maxNumberOfSymbols: 1 });
    text = found.find((one) => one.isValid)?.text;
  } catch { /* nothing is read of what cannot be read */ }
  self.postMessage({ number, text });
});
