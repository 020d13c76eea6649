// Which parts of a request have been on the screen. Nothing is signed before all of them have.

// Often enough that no part is so tall that the browser says nothing while a screen of it is in view.
const STEPS = Array.from({ length: 101 }, (_, step) => step / 100);

/// A part counts once all of it has been in view, or, if it is taller than that, half a screen of it. What
/// can be long is given in parts that are not.
export class Reading {
  #waiting = new Set();
  #all = 0;
  #changed;
  #observer;

  constructor(changed) {
    this.#changed = changed;
    this.#observer = new IntersectionObserver((entries) => this.#look(entries), { threshold: STEPS });
  }

  /// Asks for this part to be seen. Parts are given in the order in which they stand on the page.
  watch(part) {
    this.#waiting.add(part);
    this.#all += 1;
    this.#observer.observe(part);
    this.#changed();
  }

  /// What was asked for is shown in another form, in these parts.
  replace(part, parts) {
    this.#all -= 1;
    this.#waiting.delete(part);
    this.#observer.unobserve(part);
    for (const other of parts) this.watch(other);
  }

  get all() { return this.#all; }

  get unseen() { return this.#waiting.size; }

  /// The highest part on the page that has not been seen, or `null`.
  get next() {
    return [...this.#waiting].sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1))[0] ?? null;
  }

  stop() { this.#observer.disconnect(); }

  #look(entries) {
    let more = false;
    for (const { target, boundingClientRect, intersectionRatio, intersectionRect, rootBounds } of entries) {
      const screen = rootBounds?.height ?? innerHeight;
      const whole = intersectionRatio >= 0.99 || (intersectionRatio < 0.99 && boundingClientRect.height > screen && intersectionRect.height >= screen * 0.5);
      // A value that was shortened is seen once it has been opened, and then part by part.
      if (!whole || target.dataset.short === "true" || document.visibilityState !== "visible") continue;
      this.#waiting.delete(target);
      this.#observer.unobserve(target);
      more = true;
    }
    if (more) this.#changed();
  }
}
