/** How this person wants the screen: kept in this browser, and nowhere else. */

import type { Manner } from "./numbers/format.ts";

const KEPT_AS = "reprise.settings";

export type Theme = "system" | "light" | "dark";
export type Colours = "green_red" | "blue_orange";

interface Kept {
  theme: Theme;
  colours: Colours;
  /** IANA name; empty: the browser's */
  zone: string;
  /** empty: the browser's */
  locale: string;
  confirm: boolean;
}

const BEFORE: Kept = { theme: "system", colours: "green_red", zone: "", locale: "", confirm: true };

class Settings implements Kept {
  theme = $state<Theme>(BEFORE.theme);
  colours = $state<Colours>(BEFORE.colours);
  zone = $state(BEFORE.zone);
  locale = $state(BEFORE.locale);
  confirm = $state(BEFORE.confirm);

  constructor() {
    Object.assign(this, read());
    this.#show();
  }

  get manner(): Manner {
    return {
      locale: this.locale || navigator.language,
      zone: this.zone || Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
  }

  /** Keep what was changed, and show it. */
  keep(changed: Partial<Kept>): void {
    Object.assign(this, changed);
    const { theme, colours, zone, locale, confirm } = this;
    try {
      localStorage.setItem(KEPT_AS, JSON.stringify({ theme, colours, zone, locale, confirm }));
    } catch {
      // A browser that keeps nothing forgets it with the page.
    }
    this.#show();
  }

  #show(): void {
    document.documentElement.dataset["theme"] = this.theme;
    document.documentElement.dataset["colours"] = this.colours;
  }
}

/** Read what was kept, as far as it still means something. */
function read(): Partial<Kept> {
  let kept: Partial<Record<keyof Kept, unknown>>;
  try {
    const text = localStorage.getItem(KEPT_AS);
    kept = ((text === null ? null : JSON.parse(text)) as typeof kept | null) ?? {};
  } catch {
    return {};
  }
  const one = <Of extends string>(value: unknown, of: readonly Of[], otherwise: Of): Of =>
    of.find((each) => each === value) ?? otherwise;
  return {
    theme: one(kept.theme, ["system", "light", "dark"], BEFORE.theme),
    colours: one(kept.colours, ["green_red", "blue_orange"], BEFORE.colours),
    zone: isZone(kept.zone) ? kept.zone : BEFORE.zone,
    locale: isLocale(kept.locale) ? kept.locale : BEFORE.locale,
    confirm: kept.confirm !== false,
  };
}

function isZone(value: unknown): value is string {
  return typeof value === "string" && works(() => new Intl.DateTimeFormat("en", { timeZone: value || undefined }));
}

function isLocale(value: unknown): value is string {
  return typeof value === "string" && works(() => new Intl.NumberFormat(value || undefined));
}

function works(make: () => unknown): boolean {
  try {
    make();
    return true;
  } catch {
    return false;
  }
}

export const settings = new Settings();
