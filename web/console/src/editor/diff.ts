// Line differences of two texts, for saves that somebody else was faster with and
// for what a change comes to.

export interface DiffLine {
  side: 'same' | 'old' | 'new'
  text: string
  /** Line numbers from 1 in the old and the new text; 0 where the line is not. */
  old: number
  new: number
}

/** So many edits are searched for; texts further apart are shown as all old, then all new. */
const most = 1000

/** The lines of both texts in one order: those that only `before` has, those that only `after` has, those in both. */
export function diff(before: string, after: string): DiffLine[] {
  const a = lines(before)
  const b = lines(after)
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  const out: DiffLine[] = []
  for (let i = 0; i < head; i++) out.push({ side: 'same', text: a[i] ?? '', old: i + 1, new: i + 1 })
  out.push(...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail), head))
  for (let i = tail; i > 0; i--) out.push({ side: 'same', text: a[a.length - i] ?? '', old: a.length - i + 1, new: b.length - i + 1 })
  return out
}

function lines(text: string): string[] {
  const all = text.split(/\r?\n/)
  if (all[all.length - 1] === '') all.pop()
  return all
}

/** Myers' shortest edit, forwards, with its trail kept. */
function middle(a: string[], b: string[], at: number): DiffLine[] {
  const limit = Math.min(a.length + b.length, most)
  const trail: number[][] = []
  let v = new Array<number>(2 * limit + 3).fill(0)
  const zero = limit + 1
  let found = -1
  search: for (let d = 0; d <= limit; d++) {
    trail.push(v.slice())
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (v[zero + k - 1] ?? 0) < (v[zero + k + 1] ?? 0))
      let x = down ? (v[zero + k + 1] ?? 0) : (v[zero + k - 1] ?? 0) + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      v[zero + k] = x
      if (x >= a.length && x - k >= b.length) {
        found = d
        break search
      }
    }
  }
  if (found < 0) {
    return [
      ...a.map((text, i): DiffLine => ({ side: 'old', text, old: at + i + 1, new: 0 })),
      ...b.map((text, i): DiffLine => ({ side: 'new', text, old: 0, new: at + i + 1 })),
    ]
  }
  const out: DiffLine[] = []
  let x = a.length
  let y = b.length
  for (let d = found; d >= 0; d--) {
    v = trail[d] ?? v
    const k = x - y
    const down = k === -d || (k !== d && (v[zero + k - 1] ?? 0) < (v[zero + k + 1] ?? 0))
    const fromK = down ? k + 1 : k - 1
    const fromX = d === 0 ? 0 : (v[zero + fromK] ?? 0)
    const fromY = d === 0 ? 0 : fromX - fromK
    while (x > fromX && y > fromY && !(d > 0 && x === fromX + (down ? 0 : 1) && y === fromY + (down ? 1 : 0))) {
      x--
      y--
      out.push({ side: 'same', text: a[x] ?? '', old: at + x + 1, new: at + y + 1 })
    }
    if (d === 0) break
    if (down) out.push({ side: 'new', text: b[--y] ?? '', old: 0, new: at + y + 1 })
    else out.push({ side: 'old', text: a[--x] ?? '', old: at + x + 1, new: 0 })
  }
  return out.reverse()
}

/** Leaves out what did not change, but `around` lines; null stands for a gap. */
export function hunks(all: DiffLine[], around = 3): (DiffLine | null)[] {
  const near = new Uint8Array(all.length)
  all.forEach((l, i) => {
    if (l.side !== 'same') near.fill(1, Math.max(0, i - around), i + around + 1)
  })
  const out: (DiffLine | null)[] = []
  all.forEach((l, i) => {
    if (near[i]) out.push(l)
    else if (out.length === 0 || out[out.length - 1] !== null) out.push(null)
  })
  return out
}
