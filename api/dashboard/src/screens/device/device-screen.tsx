import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useAction, useOperation } from '../../api/hooks.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { Callout } from '../../components/feedback.tsx';
import { errorOf, TextField } from '../../components/fields.tsx';
import { Time } from '../../components/format.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import './device.css';

/** Renders the page on which a person approves the login of a program: the code to compare, and the two decisions. */
export function DeviceScreen() {
  const { code } = useSearch({ from: '/device' });
  return (
    <Screen title="Log in a program" lead="A program on a computer of yours asks for a key of your account.">
      {code === undefined ? <CodeForm /> : <Decision key={code} code={code} />}
    </Screen>
  );
}

function CodeForm() {
  const navigate = useNavigate();
  const [code, setCode] = useState('');
  const [error, setError] = useState<string>();
  return (
    <form
      className="panel stack"
      onSubmit={(event) => {
        event.preventDefault();
        const letters = code.toUpperCase().replace(/[^A-Z]/g, '');
        if (letters.length !== 8) setError('The code has 8 letters, such as WDJB-MJHT.');
        else void navigate({ to: '/device', search: { code: `${letters.slice(0, 4)}-${letters.slice(4)}` } });
      }}
    >
      <TextField
        label="Code"
        value={code}
        onChange={setCode}
        error={error}
        placeholder="WDJB-MJHT"
        autoComplete="off"
        description="The program shows it."
      />
      <div>
        <Button type="submit" variant="primary">
          Continue
        </Button>
      </div>
    </form>
  );
}

function Decision({ code }: { code: string }) {
  const login = useOperation('device.get', { user_code: code });
  const decide = useAction('device.decide', {
    changes: ['device.get', 'keys.list', 'user.audit_log'],
    showsErrors: true,
  });
  const decided = decide.data?.status;
  return (
    <Loaded result={login}>
      {({ user_code, name, status, created_at }) => {
        const state = decided ?? status;
        if (state === 'approved') return <Approved name={name} />;
        if (state === 'denied')
          return (
            <Callout>
              <strong>Denied.</strong> {name} gets no key. You can close this page.
            </Callout>
          );
        return (
          <section className="panel stack" aria-label="The request">
            <p>
              <strong>{name}</strong> asked <Time iso={created_at} /> and shows this code:
            </p>
            <p className="device-code">{user_code}</p>
            <Callout kind="warning">
              Approve only if you have just started the login yourself, and the code is the same. The program then gets
              a key that can store and find your memories and read your usage.
            </Callout>
            {decide.error && (
              <p className="error" role="alert">
                {errorOf(decide.error, 'user_code') ?? decide.error.message}
              </p>
            )}
            <div className="row">
              <Button
                variant="primary"
                isPending={decide.isPending}
                onPress={() => decide.mutate({ user_code, approve: true })}
              >
                Approve
              </Button>
              <Button isDisabled={decide.isPending} onPress={() => decide.mutate({ user_code, approve: false })}>
                Deny
              </Button>
            </div>
          </section>
        );
      }}
    </Loaded>
  );
}

function Approved({ name }: { name: string }) {
  return (
    <div className="stack">
      <Callout>
        <strong>Approved.</strong> {name} fetches its key within seconds. Go back to the terminal; you can close this
        page.
      </Callout>
      <div>
        <ButtonLink href="/app/keys">See your keys</ButtonLink>
      </div>
    </div>
  );
}
