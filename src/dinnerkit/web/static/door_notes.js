// What was noted at a door and is not told yet, in the browser's storage: it outlives the page, and is told once, in its order.

export class Notes {
  constructor(name, storage = localStorage) {
    this.name = name;
    this.storage = storage;
  }

  all() {
    try {
      const kept = JSON.parse(this.storage.getItem(this.name) ?? "[]");
      return Array.isArray(kept) ? kept : [];
    } catch {
      return [];
    }
  }

  // A later word about the same booking takes the place of an earlier one.
  add(note) {
    const id = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    const others = this.all().filter((kept) => !note.booking || kept.booking !== note.booking);
    this.keep([...others, { id, ...note }]);
  }

  remove(id) {
    this.keep(this.all().filter((kept) => kept.id !== id));
  }

  keep(notes) {
    if (notes.length) this.storage.setItem(this.name, JSON.stringify(notes));
    else this.storage.removeItem(this.name);
  }
}
