// Tones and vibration for whoever does not look at the screen; never the only sign. Each can be switched off on this device.
const FILES = { ok: 'ok.wav', again: 'again.wav', problem: 'problem.wav', conflict: 'problem.wav', choice: 'problem.wav' };
const PATTERNS = { ok: 40, again: [40, 60, 40], problem: [200, 80, 200], conflict: [200, 80, 200], choice: [200, 80, 200] };

const remembered = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* it holds for this page */ } };

/** Signals of a box; its check boxes switch them. */
export class Signals {
  constructor(box) {
    this.statics = box.dataset.statics;
    this.on = {};
    this.tones = {};
    for (const name of ['sound', 'vibration']) {
      const check = box.querySelector(`[data-${name}]`);
      this.on[name] = remembered(`dock-${name}`) !== 'off';
      if (!check) continue;
      check.checked = this.on[name];
      check.addEventListener('change', () => { this.on[name] = check.checked; remember(`dock-${name}`, check.checked ? 'on' : 'off'); });
    }
    box.querySelector('[data-signals]')?.removeAttribute('hidden');
  }

  /** Tells an outcome. */
  tell(outcome) {
    const file = FILES[outcome];
    if (!file) return;
    if (this.on.vibration && navigator.userActivation?.hasBeenActive) navigator.vibrate?.(PATTERNS[outcome]);
    if (!this.on.sound) return;
    const tone = (this.tones[file] ??= new Audio(`${this.statics}/sounds/${file}`));
    tone.currentTime = 0;
    // A browser may not want to play before somebody has pressed something.
    tone.play().catch(() => {});
  }
}
