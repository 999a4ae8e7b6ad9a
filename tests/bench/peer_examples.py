"""Training steps of six programs of pytorch/examples, as in examples.lua."""
import math

import torch
from torch import nn

from peer_step import step_of


def e1():
    """mnist of pytorch/examples."""
    model = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
                          nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10), nn.LogSoftmax(1))
    x, y = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))
    return step_of(model, nn.NLLLoss(), torch.optim.Adadelta(model.parameters(), lr=1), x, y)


def e2():
    """word_language_model of pytorch/examples, with an LSTM."""
    encoder, lstm, decoder, drop = nn.Embedding(10000, 200), nn.LSTM(200, 200, 2, dropout=0.2), nn.Linear(200, 10000), nn.Dropout(0.2)
    model = nn.ModuleList([encoder, lstm, decoder])
    x, y = torch.randint(0, 10000, (35, 20)), torch.randint(0, 10000, (700,))

    def step():
        model.zero_grad()
        out = decoder(drop(lstm(drop(encoder(x)))[0]))
        loss = nn.functional.cross_entropy(out.reshape(-1, 10000), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-0.05)
        return loss

    return step


def e3():
    """dcgan of pytorch/examples, half as wide."""
    layers = []
    for a, b, s, p in ((100, 256, 1, 0), (256, 128, 2, 1), (128, 64, 2, 1), (64, 32, 2, 1)):
        layers += [nn.ConvTranspose2d(a, b, 4, s, p, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
    generator = nn.Sequential(*layers, nn.ConvTranspose2d(32, 3, 4, 2, 1, bias=False), nn.Tanh())
    layers = [nn.Conv2d(3, 32, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for a, b in ((32, 64), (64, 128), (128, 256)):
        layers += [nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)]
    critic = nn.Sequential(*layers, nn.Conv2d(256, 1, 4, bias=False), nn.Sigmoid())
    x, z, ones, zeros = torch.randn(16, 3, 64, 64), torch.randn(16, 100, 1, 1), torch.ones(16), torch.zeros(16)
    loss = nn.BCELoss()
    of_critic = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    of_generator = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def step():
        critic.zero_grad()
        loss(critic(x).reshape(-1), ones).backward()
        fake = generator(z)
        loss(critic(fake.detach()).reshape(-1), zeros).backward()
        of_critic.step()
        generator.zero_grad()
        deceived = loss(critic(fake).reshape(-1), ones)
        deceived.backward()
        of_generator.step()
        return deceived

    return step


class BasicBlock(nn.Module):
    """A block of ResNet-18."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        self.relu, self.downsample = nn.ReLU(inplace=True), None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (self.downsample(x) if self.downsample else x))


def resnet18(channels):
    """torchvision's, without its last layer."""
    layers = [nn.Conv2d(channels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    before = 64
    for after in (64, 128, 256, 512):
        layers += [BasicBlock(before, after, 1 if after == 64 else 2), BasicBlock(after, after, 1)]
        before = after
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    return model


def e4():
    """siamese_network of pytorch/examples."""
    body = resnet18(1)
    head = nn.Sequential(nn.Linear(1024, 256), nn.ReLU(inplace=True), nn.Linear(256, 1))
    params = list(body.parameters()) + list(head.parameters())
    opt, loss = torch.optim.Adadelta(params, lr=1), nn.BCELoss()
    a, b, y = torch.randn(16, 1, 28, 28), torch.randn(16, 1, 28, 28), (torch.arange(16) % 2).float()

    def step():
        opt.zero_grad()
        out = loss(head(torch.cat((body(a), body(b)), 1)).sigmoid().squeeze(1), y)
        out.backward()
        opt.step()
        return out

    return step


class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        return self.body(x) + x


def e5():
    """fast_neural_style of pytorch/examples; the features have random weights."""
    def conv(a, b, size, stride):
        return [nn.ReflectionPad2d(size // 2), nn.Conv2d(a, b, size, stride)]

    def normed(a, b, size, stride):
        return conv(a, b, size, stride) + [nn.InstanceNorm2d(b, affine=True), nn.ReLU()]

    layers = normed(3, 32, 9, 1) + normed(32, 64, 3, 2) + normed(64, 128, 3, 2)
    for _ in range(5):
        layers.append(Residual(*normed(128, 128, 3, 1), *conv(128, 128, 3, 1), nn.InstanceNorm2d(128, affine=True)))
    for n in (128, 64):
        layers += [nn.Upsample(scale_factor=2, mode="nearest"), *normed(n, n // 2, 3, 1)]
    net = nn.Sequential(*layers, *conv(32, 3, 9, 1))
    stages, before = [], 3
    for i, after in enumerate((64, 128, 256, 512)):
        layers = [nn.MaxPool2d(2)] if i else []
        for _ in range(3 if i > 1 else 2):
            layers += [nn.Conv2d(before, after, 3, 1, 1), nn.ReLU(inplace=True)]
            nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="relu")
            before = after
        stages.append(nn.Sequential(*layers).requires_grad_(False))
    mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)

    def features(x):
        out, x = [], (x / 255 - mean) / std
        for stage in stages:
            x = stage(x)
            out.append(x)
        return out

    def gram(x):
        n, channels, height, width = x.shape
        x = x.view(n, channels, height * width)
        return x.bmm(x.transpose(1, 2)) / (channels * height * width)

    x, mse = torch.rand(1, 3, 64, 64) * 255, nn.functional.mse_loss
    with torch.no_grad():
        wanted = [gram(f) for f in features(torch.rand(1, 3, 64, 64) * 255)]
    params = list(net.parameters())
    opt = torch.optim.Adam(params, lr=1e-3)

    def step():
        opt.zero_grad()
        of_y, of_x = features(net(x)), features(x)
        loss = mse(of_y[1], of_x[1]) * 1e5
        for f, w in zip(of_y, wanted):
            loss = loss + mse(gram(f), w) * 1e10
        loss.backward()
        opt.step()
        return loss

    return step


def e6():
    """word_language_model of pytorch/examples, with its transformer."""
    embedding, drop, decoder = nn.Embedding(10000, 200), nn.Dropout(0.2), nn.Linear(200, 10000)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(200, 2, 200, 0.2), 2, nn.LayerNorm(200))
    nn.init.uniform_(embedding.weight, -0.1, 0.1)
    nn.init.uniform_(decoder.weight, -0.1, 0.1)
    place, k = torch.arange(35.0).unsqueeze(1), torch.exp(torch.arange(0, 200, 2) * (-math.log(10000) / 200))
    places = torch.stack((torch.sin(place * k), torch.cos(place * k)), 2).reshape(35, 1, 200)
    mask = torch.full((35, 35), -math.inf).triu(1)
    model = nn.ModuleList([embedding, encoder, decoder])
    params = list(model.parameters())
    x, y = torch.randint(0, 10000, (35, 20)), torch.randint(0, 10000, (700,))

    def step():
        model.zero_grad()
        out = decoder(encoder(drop(embedding(x) * math.sqrt(200) + places), mask))
        loss = nn.functional.nll_loss(out.log_softmax(-1).view(-1, 10000), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 0.25)
        for p in params:
            p.data.add_(p.grad, alpha=-0.05)
        return loss

    return step


EXAMPLES = {"E1": e1, "E2": e2, "E3": e3, "E4": e4, "E5": e5, "E6": e6}
