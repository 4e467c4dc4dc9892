// Reads codes with the camera, or from a photograph: by the browser's own reader where it has one, else by the one that is served here, in a worker.
import { policy } from '../app.js';

const FORMATS = ['code_128', 'code_39', 'qr_code', 'data_matrix', 'ean_13', 'pdf417', 'aztec'];
const RATE = 15;
const MIDDLE = 0.6;
const REST = 800;
const SLOW = 5;

/** Reads pictures: resolves to the text of the first code, or nothing. */
async function reader(statics) {
  if (globalThis.BarcodeDetector) {
    const known = await BarcodeDetector.getSupportedFormats().catch(() => []);
    const formats = FORMATS.filter((format) => known.includes(format));
    if (formats.includes('code_128') && formats.includes('qr_code')) {
      const detector = new BarcodeDetector({ formats });
      return async (picture) => (await detector.detect(picture))[0]?.rawValue;
    }
  }
  const worker = new Worker(policy.createScriptURL(`${statics}/wasm/zxing/decoder.js`), { type: 'module' });
  const waiting = new Map();
  let number = 0;
  worker.addEventListener('message', ({ data }) => { waiting.get(data.number)?.(data.text); waiting.delete(data.number); });
  worker.addEventListener('error', () => { waiting.forEach((answer) => answer(undefined)); waiting.clear(); });
  return (picture, hard) => new Promise((answer) => {
    number += 1;
    waiting.set(number, answer);
    worker.postMessage({ number, picture, hard }, [picture.data.buffer]);
  });
}

/** The camera of a box: `found` gets each code and how it was read. */
// The same label stays in view for a while: milliseconds in which it is one.
const NEAR = 2_000;

export class Camera {
  constructor(box, found) {
    this.box = box;
    this.found = found;
    this.view = box.querySelector('[data-view]');
    this.canvas = document.createElement('canvas');
  }

  saw(code, method) {
    const now = performance.now();
    const again = this.seen?.code === code && now - this.seen.at < NEAR;
    this.seen = { code, at: now };
    if (!again) this.found(code, method);
  }

  async toggle() {
    if (this.view.hidden) await this.start(); else this.stop();
  }

  button(words, press) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'quiet';
    button.textContent = words;
    button.addEventListener('click', press);
    return button;
  }

  async start() {
    this.view.hidden = false;
    this.read ??= await reader(this.box.dataset.statics);
    const file = document.createElement('input');
    file.type = 'file';
    file.accept = 'image/*';
    file.setAttribute('capture', 'environment');
    file.hidden = true;
    file.addEventListener('change', () => this.photograph(file));
    const row = document.createElement('div');
    row.className = 'buttons';
    const said = document.createElement('p');
    said.setAttribute('role', 'status');
    this.said = said;
    row.append(this.button(this.box.dataset.stop, () => this.stop()), this.button(this.box.dataset.photo, () => file.click()), file);
    this.view.replaceChildren(row, said);
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 }, frameRate: { ideal: RATE } } });
    } catch {
      said.textContent = this.box.dataset.noCamera;
      return;
    }
    this.video = document.createElement('video');
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.srcObject = this.stream;
    this.view.prepend(this.video);
    await this.video.play();
    const [track] = this.stream.getVideoTracks();
    if (track.getCapabilities?.().torch) {
      let lit = false;
      row.append(this.button(this.box.dataset.torch, () => { lit = !lit; track.applyConstraints({ advanced: [{ torch: lit }] }).catch(() => {}); }));
    }
    this.awake = await navigator.wakeLock?.request('screen').catch(() => undefined);
    this.look();
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = undefined;
    this.awake?.release?.();
    this.view.hidden = true;
    this.view.replaceChildren();
    this.box.querySelector('[data-scan]')?.focus();
  }

  /** The middle of the picture, where a label is held. */
  picture(source, width, height, part) {
    const [w, h] = [Math.round(width * part), Math.round(height * part)];
    Object.assign(this.canvas, { width: w, height: h });
    const drawing = this.canvas.getContext('2d', { willReadFrequently: true });
    drawing.drawImage(source, (width - w) / 2, (height - h) / 2, w, h, 0, 0, w, h);
    return drawing.getImageData(0, 0, w, h);
  }

  async look() {
    for (let frame = 0; this.stream; frame += 1) {
      await new Promise((next) => { setTimeout(next, 2_000 / RATE); });
      if (!this.stream || !this.video.videoWidth) continue;
      const { videoWidth, videoHeight } = this.video;
      const hard = frame % SLOW === SLOW - 1;
      const text = await this.read(this.picture(this.video, videoWidth, videoHeight, hard ? 1 : MIDDLE), hard);
      if (!text || !this.stream) continue;
      this.saw(text, 'camera');
      await new Promise((next) => { setTimeout(next, REST); });
    }
  }

  async photograph(file) {
    const [chosen] = file.files;
    file.value = '';
    if (!chosen) return;
    this.said.textContent = '';
    try {
      const bitmap = await createImageBitmap(chosen);
      const most = 2_000 / Math.max(bitmap.width, bitmap.height);
      const scaled = most < 1 ? await createImageBitmap(bitmap, { resizeWidth: Math.round(bitmap.width * most), resizeHeight: Math.round(bitmap.height * most) }) : bitmap;
      const text = await this.read(this.picture(scaled, scaled.width, scaled.height, 1), true);
      if (text) { this.saw(text, 'photo'); return; }
    } catch { /* no picture, or one that cannot be read */ }
    this.said.textContent = this.box.dataset.unread;
  }
}
