// <filter-form> around a GET form sends it when a choice changes; the button stays for everybody else.
class FilterForm extends HTMLElement {
  connectedCallback() {
    this.addEventListener('change', (event) => {
      if (event.target.matches('select, input[type="checkbox"], input[type="radio"], input[type="date"]')) event.target.form?.requestSubmit();
    });
  }
}

customElements.define('filter-form', FilterForm);
