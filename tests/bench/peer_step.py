"""The training step, as in step.lua."""


def step_of(model, criterion, opt, x, y):
    def step():
        opt.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        opt.step()
        return loss

    return step
