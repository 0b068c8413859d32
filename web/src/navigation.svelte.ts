/** Where the person is: the browser's own address, followed without loading the page again. */

import { type Place, placeOf } from "./addresses.ts";

class Navigation {
  path = $state(location.pathname);
  /** what stands behind the question mark, with it */
  query = $state(location.search);

  /** the last address that was no entrance: to it who enters comes back */
  before = "/";

  get place(): Place | null {
    return placeOf(this.path);
  }

  /** Go to an address of the screen. instead: the one before is not come back to. */
  go(path: string, { instead = false } = {}): void {
    if (path === location.pathname + location.search) return;
    if (!["login", "register"].includes(this.place?.view ?? "login")) this.before = location.pathname + location.search;
    history[instead ? "replaceState" : "pushState"](null, "", path);
    this.#arrive();
    scrollTo(0, 0);
  }

  /** Follow the links of the page and the browser's own buttons. */
  begin(): void {
    addEventListener("popstate", () => this.#arrive());
    document.addEventListener("click", (event) => {
      if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      const link = (event.target as Element).closest("a");
      if (link === null || link.target !== "" || link.hasAttribute("download") || link.origin !== location.origin) return;
      if (placeOf(link.pathname) === null || link.hash !== "") return;
      event.preventDefault();
      this.go(link.pathname + link.search);
    });
  }

  #arrive(): void {
    this.path = location.pathname;
    this.query = location.search;
  }
}

export const navigation = new Navigation();
