import { render } from 'preact'
import { App } from './app/app'
import { startRouter } from './app/router'
import { loadSession } from './state'
import { startStream } from './stream'
import { Button } from './ui/button'
import { Empty, errorText } from './ui/parts'

const root = document.getElementById('app')

async function start(): Promise<void> {
  if (!root) return
  try {
    await loadSession()
  } catch (e) {
    render(
      <Empty
        action={
          <Button kind="primary" onClick={() => void start()}>
            Try again
          </Button>
        }
      >
        {errorText(e)}
      </Empty>,
      root,
    )
    return
  }
  startRouter()
  startStream()
  render(<App />, root)
}

void start()
