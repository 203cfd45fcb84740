import type { Look } from '../../api'
import { Held } from './held'
import { PartTree } from './tree'

export interface WhyProps {
  look: Look
  /** It stands so now: what is left counts down. Looks that are over leave it out. */
  live?: boolean
}

/** Why a rule fired or not on one look: the condition as a tree, and what holds it back. */
export function Why({ look, live = false }: WhyProps) {
  return (
    <div class="why">
      {look.while && <PartTree label="while" part={look.while} />}
      {look.when && <PartTree label="when" part={look.when} />}
      <Held look={look} live={live} />
      {look.did.some((h) => h.step) && (
        <ul class="why-steps" aria-label="Steps that were not done">
          {look.did.map((h, i) =>
            h.step ? (
              <li key={i}>
                did not do <code>{h.step}</code>
                {h.reason && ` (${h.reason})`}
              </li>
            ) : null,
          )}
        </ul>
      )}
    </div>
  )
}
