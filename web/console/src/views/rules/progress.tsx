import type { JSX } from 'preact'
import type { Job } from '../../api'
import { errorText, Notice } from '../../ui/parts'

/** How far long work has got, in words and as a bar; nothing when it is done. */
export function Progress({ job }: { job: Job }): JSX.Element | null {
  switch (job.state) {
    case 'done':
      return null
    case 'failed':
      return <Notice tone="bad">{errorText(job.error || 'It failed')}</Notice>
    case 'cancelled':
      return <p class="muted small-text">Stopped. What was found until then stands here.</p>
    default:
      return (
        <div class="job" role="status">
          <progress class="job-bar" aria-label={job.text || 'Working'} {...(job.progress !== undefined ? { value: job.progress, max: 1 } : {})} />
          <span class="muted small-text num">{job.state === 'waiting' ? 'Waiting for other work' : job.text || 'Working'}</span>
        </div>
      )
  }
}
