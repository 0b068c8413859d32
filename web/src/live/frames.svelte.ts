/** What comes many times a second is drawn at most once a frame: one counter, which whatever shows it reads. */

export class Frames {
  /** Grows by one in the frame after something was said to have changed. */
  version = $state(0);
  #asked = false;

  /** Say that something changed. */
  ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.version += 1;
    });
  }
}
