"""Files -> networks. Importing it lets torchvision be imported beside a torch that was built for another device."""

from sdui.models.torchvision_ops import declare_missing

declare_missing()
