/**
 * Puts the items in layers, so that each comes after all that it needs, and as early as possible. Needing itself doesn't count.
 * @returns the layers, and the items that need each other in a circle, with those that need them; all in the order of the items
 */
export function layersOf<Item>(
  items: readonly Item[],
  needs: (item: Item) => Iterable<Item>,
): { layers: Item[][]; circular: Item[] } {
  const position = new Map(items.map((item, index) => [item, index]));
  const open = new Map<Item, number>();
  const needing = new Map<Item, Item[]>();
  for (const item of items) {
    const needed = new Set([...needs(item)].filter((one) => one !== item && position.has(one)));
    open.set(item, needed.size);
    for (const one of needed) {
      const known = needing.get(one);
      if (known) known.push(item);
      else needing.set(one, [item]);
    }
  }
  const layers: Item[][] = [];
  let layer = items.filter((item) => open.get(item) === 0);
  while (layer.length > 0) {
    layers.push(layer);
    const next: Item[] = [];
    for (const item of layer) {
      open.delete(item);
      for (const one of needing.get(item) ?? []) {
        const left = (open.get(one) ?? 0) - 1;
        open.set(one, left);
        if (left === 0) next.push(one);
      }
    }
    layer = next.sort((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0));
  }
  return { layers, circular: [...open.keys()] };
}
