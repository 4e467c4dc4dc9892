// What every page has: parts that swap, times in the reader's own words, and the keys for the search field.
import './swap.js';
import './el/local-time.js';
import './el/copy-button.js';
import './el/filter-form.js';

document.addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input, select, textarea, [contenteditable]');
  if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('[data-scan]')) return;
  const search = document.querySelector('input[type="search"]');
  if (search) { event.preventDefault(); search.focus(); }
});
