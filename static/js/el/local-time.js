// <local-time><time datetime="…">23 Nov 2026, 10:31 UTC</time></local-time>: the same instant in the reader's zone and how long ago, beside what the server wrote.
const UNITS = [['year', 31_557_600], ['month', 2_629_800], ['day', 86_400], ['hour', 3_600], ['minute', 60]];

class LocalTime extends HTMLElement {
  connectedCallback() {
    const time = this.querySelector('time');
    const at = new Date(time?.dateTime ?? '');
    if (Number.isNaN(at.getTime())) return;
    const language = document.documentElement.lang;
    const seconds = (at - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['minute', 60];
    const ago = new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.round(seconds / size), unit);
    const here = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(at);
    time.title = `${here} · ${ago}`;
    if (this.hasAttribute('relative')) {
      const small = this.querySelector('small') ?? this.appendChild(document.createElement('small'));
      small.textContent = ago;
    }
  }
}

customElements.define('local-time', LocalTime);
