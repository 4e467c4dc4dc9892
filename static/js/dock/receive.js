// <receive-box>: counts what is scanned into the list that the receiver signs; the list is kept on the device until then.
import { Signals } from './signals.js';

const told = (words, what) => words.replace('{}', what);

class ReceiveBox extends HTMLElement {
  connectedCallback() {
    this.area = this.querySelector('textarea');
    this.field = this.querySelector('[data-scan]');
    this.band = this.querySelector('#band');
    this.signals = new Signals(this);
    this.place = `dock-receive ${this.dataset.consignment}`;
    this.querySelector('[data-field]').hidden = false;
    this.band.hidden = false;
    try {
      if (!this.area.value.trim()) this.area.value = localStorage.getItem(this.place) ?? '';
    } catch { /* it holds for this page */ }
    this.told();
    this.area.addEventListener('input', () => this.told());
    const take = () => { this.take(this.field.value); };
    this.querySelector('[data-add]').addEventListener('click', take);
    this.field.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && !(event.key === 'Tab' && !event.shiftKey && this.field.value)) return;
      // The scanner's Enter signs nothing.
      event.preventDefault();
      take();
    });
    this.closest('form').addEventListener('submit', () => { try { localStorage.removeItem(this.place); } catch { /* nothing is kept */ } });
    if (!document.querySelector('[autofocus]')) this.field.focus();
    this.camera();
  }

  lines() { return this.area.value.split('\n').map((line) => line.trim()).filter(Boolean); }

  take(code) {
    const text = code.replace(/^\](?:[A-Za-z][0-9A-Za-z])/, '').replace(/[\u0000-\u001f]/g, '').trim();
    this.field.value = '';
    this.field.focus();
    if (!text) { this.show('problem', '', this.dataset.nothing); return; }
    const same = (line) => line.split(',')[0].trim().toUpperCase() === text.toUpperCase();
    if (this.lines().some(same)) { this.show('again', text, this.dataset.again); return; }
    const damage = this.querySelector('[data-damage]');
    this.area.value = [...this.lines(), damage.value ? `${text},,${damage.value}` : text].join('\n');
    damage.value = '';
    this.area.scrollTop = this.area.scrollHeight;
    this.told();
    this.show('ok', text, this.dataset.counted);
  }

  show(outcome, code, words) {
    this.band.className = `band ${outcome}`;
    const word = document.createElement('p');
    word.className = 'word';
    const mark = document.createElement('span');
    mark.className = 'mark';
    mark.setAttribute('aria-hidden', 'true');
    word.append(mark, ` ${words}`);
    const what = document.createElement('p');
    const strong = document.createElement('strong');
    strong.className = 'mono name';
    strong.textContent = code;
    what.append(strong);
    this.band.replaceChildren(word, what);
    this.signals.tell(outcome);
  }

  told() {
    const lines = this.lines();
    this.querySelector('[data-kept-line]').textContent = lines.length ? told(this.dataset.kept, lines.length) : '';
    try {
      localStorage.setItem(this.place, this.area.value);
    } catch { /* it holds for this page */ }
  }

  camera() {
    const button = this.querySelector('[data-camera]');
    button.hidden = false;
    button.addEventListener('click', async () => {
      const { Camera } = await import('./camera.js');
      this.seeing ??= new Camera(this, (code) => this.take(code));
      this.seeing.toggle();
    });
  }
}

customElements.define('receive-box', ReceiveBox);
